import type { JobFrame } from '../../api/job.ts'
import type { Operation } from '../../api/operations.ts'

/** Members that Mistral refuses, names otherwise or has its own rules for, and those whose answer it words otherwise. */
const members = [
  'tools', 'tool_calls', 'tool_call_id', 'functions', 'function_call',
  'seed', 'max_completion_tokens', 'stream_options', 'user', 'name', 'store', 'logit_bias', 'logprobs', 'top_logprobs', 'top_k', 'service_tier', 'modalities', 'audio', 'verbosity',
  'safety_identifier', 'prompt_cache_retention', 'prompt_cache_options', 'web_search_options', 'moderation',
  'reasoning', 'reasoning_effort', 'prompt_mode', 'reasoning_content', 'reasoning_details', 'refusal', 'cache_control', 'extra_content', 'input_audio', 'file'
]
/** Mistral refuses an assistant that says nothing. */
const emptyContent = '(?:content|text)"\\s*:\\s*(?:null|""|\\[\\s*\\])'
/** Its scale ends at 1.5; what is not plainly below is looked at. */
const highTemperature = 'temperature"\\s*:(?!\\s*(?:null|0|0\\.\\d+|1|1\\.[0-4]\\d*)\\s*[,}])'
/** One quote before all of them: a search for several that each begin with one costs half as much again. */
const needsTranslation = new RegExp(`"(?:(?:${members.join('|')})"\\s*:|role"\\s*:\\s*"developer"|${emptyContent}|${highTemperature})`)
/** Without a path there, or, as speech, with OpenAI's path and words of its own. */
const foreignOperations: ReadonlySet<Operation> = new Set(['text_completion', 'responses', 'speech'])
const embeddingMembers = /"(?:dimensions|user|input_type)"\s*:/
const lastRole = /"role"\s*:\s*"assistant"/
/** Models that think without being asked to. */
const thinkers = /magistral/i

/**
 * Whether the body of an OpenAI client can go to Mistral as it is: nothing in it has to be changed, and the answer will be in OpenAI's words.
 * One search over the bytes instead of parsing and printing them. What it finds too much, such as a tool's parameter called `user`, is
 * translated, which is never wrong; inside texts quotes are escaped, and nothing is found.
 */
export function isPlain (job: JobFrame): boolean {
  if (job.passthrough) return true
  if (job.operation === 'embedding') return !embeddingMembers.test(job.body.toString('latin1'))
  if (job.operation !== 'chat_completion') return !foreignOperations.has(job.operation)
  if (thinkers.test(job.model)) return false
  const text = job.body.toString('latin1')
  // A conversation that ends with the assistant is to go on there, which has to be said.
  return !needsTranslation.test(text) && !lastRole.test(text.slice(text.lastIndexOf('"role"')))
}
