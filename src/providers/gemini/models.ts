/** What the name of a model says about what it takes. */
export interface ModelTraits {
  /** How thinking is asked for: Gemini 3 takes a level, Gemini 2.5 a budget of tokens. */
  thinking: 'level' | 'budget' | 'none'
  /** Thinking cannot be turned off. */
  alwaysThinks: boolean
  /** The whole of JSON Schema, else only Google's subset. */
  jsonSchema: boolean
  /** Refuses function calls in the history without a signature, and takes media in the answers of functions. */
  isThird: boolean
}

const version = /gemini-(\d+(?:\.\d+)?)/
const latest = /gemini-(?:pro|flash|flash-lite)-latest/
/** They draw or speak, and of Gemini 2.5's they do not think. */
const otherModality = /image|tts|native-audio/

export function traitsOf (model: string): ModelTraits {
  const generation = latest.test(model) ? 3 : Number(version.exec(model)?.[1] ?? 0)
  const isThird = generation >= 3
  return {
    thinking: isThird ? 'level' : generation >= 2.5 && !otherModality.test(model) ? 'budget' : 'none',
    alwaysThinks: /\bpro\b/.test(model),
    jsonSchema: generation >= 2.5,
    isThird
  }
}
