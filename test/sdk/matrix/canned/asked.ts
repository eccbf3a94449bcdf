import { expected, questions } from '../cells.ts'
import { Refusal } from '../fake-server.ts'

export type Asked = 'text' | 'tools' | 'results' | 'structured' | 'errors'

/** Names under which the clients ask here: a slash must reach the server as the gateway can read it. */
export const models = { model: 'openai/gpt-4o-mini', embeddingModel: 'openai/text-embedding-3-small' } as const

export const toolArgumentsText = JSON.stringify(expected.toolArguments)

/** @returns what a body of any vendor asks for: the questions are in it as they are. @throws Refusal when something is missing that belongs to it */
export function askedOf (body: unknown): Asked {
  const said = JSON.stringify(body)
  if (said.includes(questions.fail)) return 'errors'
  if (said.includes(questions.hello)) return 'text'
  if (said.includes(questions.weather)) {
    if (!/"description":"Name of the city\."/.test(said)) throw new Refusal('the parameters of the tool are missing')
    if (!said.includes(expected.toolName)) throw new Refusal('the tool is missing')
    // The result is text here and JSON there.
    return /degrees\\*":21/.test(said) ? 'results' : 'tools'
  }
  if (said.includes(questions.structured)) {
    if (!/required\\*":\[\\*"city\\*",\\*"degrees/.test(said)) throw new Refusal('the schema of the answer is missing')
    return 'structured'
  }
  throw new Refusal(`nobody asks this: ${said}`)
}

/** The text of an answer that is no tool call. */
export function textFor (asked: Asked): string {
  return asked === 'structured' ? JSON.stringify(expected.structured) : asked === 'results' ? expected.afterTools : expected.text
}

export function toWords (text: string): string[] {
  return text.split(/(?<= )/)
}

export function toArgumentPieces (): string[] {
  return toolArgumentsText.split(/(?<=:)/)
}

/** The id of a call stands in the call and in its result. @throws Refusal otherwise */
export function requireCallAndResult (body: unknown, id: string): void {
  const times = JSON.stringify(body).split(`"${id}"`).length - 1
  if (times !== 2) throw new Refusal(`the id ${id} of the tool call is there ${String(times)} times`)
}

/** @throws Refusal */
export function requireSame (name: string, actual: unknown, wanted: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(wanted)) throw new Refusal(`${name} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`)
}
