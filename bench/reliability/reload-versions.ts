/** A config file of the course: its text, and whether the gateway may take it over. */
export interface Version {
  text: string
  isValid: boolean
  /** The provider that comes and goes is configured. */
  hasVisitor: boolean
}

const threadsChangeEvery = 5
const invalidEvery = 7
const invalidTexts = ['{ "providers": ', '{ "providers": { "openai": { "threads": -1 } } }', '{ "providers": { "openai": { "keyz": [] } } }', '{ "providers": {} , "clients": {} }']

/**
 * What an operator might do to the file in step 0, 1, 2 ... of the course. Each valid version differs from the one before: keys come
 * and go, weights and limits change every time, the visitor is there for two steps of four, threads change every fifth step. Every
 * seventh version is one that must be refused.
 */
export function toVersion (step: number, ports: { openai: number, visitor: number }): Version {
  if (step > 0 && step % invalidEvery === 0) return { text: invalidTexts[step / invalidEvery % invalidTexts.length] as string, isValid: false, hasVisitor: false }
  const hasVisitor = step % 4 === 1 || step % 4 === 2
  const key = (name: string, weight: number): object => ({ name, value: `sk-${name}`, models: ['*'], weight })
  const openai = {
    keys: [key('steady', 1 + step % 3), ...(step % 2 === 1 ? [key('odd', 2)] : []), ...(step % 3 === 2 ? [key(`key-${step}`, 1)] : [])],
    network_config: { base_url: `http://127.0.0.1:${ports.openai}`, max_retries: 0 },
    concurrency_and_buffer_size: { concurrency: 600 + 50 * (step % 5), buffer_size: 5_000 + step },
    threads: 1 + Math.floor(step / threadsChangeEvery) % 2
  }
  const visitor = {
    custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
    network_config: { base_url: `http://127.0.0.1:${ports.visitor}`, max_retries: 0 },
    concurrency_and_buffer_size: { concurrency: 1_000, buffer_size: 5_000 }
  }
  return { text: JSON.stringify({ client: { request_timeout_in_seconds: 60 + step }, providers: { openai, ...(hasVisitor ? { visitor } : {}) } }, null, 2), isValid: true, hasVisitor }
}
