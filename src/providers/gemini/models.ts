/** What the name of a model says about what it takes. */
export interface ModelTraits {
  /** How thinking is asked for: Gemini 3 takes a level, Gemini 2.5 a budget of tokens. */
  thinking: 'level' | 'budget' | 'none'
  /** Thinking cannot be turned off. */
  alwaysThinks: boolean
  /** The whole of JSON Schema, else only Google's subset. */
  jsonSchema: boolean
  /** Goes on from a last turn of the model; others answer 400 to one. */
  takesPrefill: boolean
  /** Refuses function calls in the history without a signature, and takes media in the answers of functions. */
  isThird: boolean
}

const version = /gemini-(\d+(?:\.\d+)?)/
/** Whatever that is. */
const latest = /gemini-(?:pro|flash|flash-lite)-latest/
/** The first of those that take no prefill, as no later one does (ai.google.dev/gemini-api/docs/latest-model); Gemini 3.5 Flash still does. */
const withoutPrefill = /gemini-3\.5-flash-lite/
const generationWithoutPrefill = 3.6
/** They draw or speak, and of Gemini 2.5's they do not think. */
const otherModality = /image|tts|native-audio/

export function traitsOf (model: string): ModelTraits {
  const generation = latest.test(model) ? 3 : Number(version.exec(model)?.[1] ?? 0)
  const isThird = generation >= 3
  return {
    thinking: isThird ? 'level' : generation >= 2.5 && !otherModality.test(model) ? 'budget' : 'none',
    alwaysThinks: /\bpro\b/.test(model),
    jsonSchema: generation >= 2.5,
    takesPrefill: generation < generationWithoutPrefill && !withoutPrefill.test(model) && !latest.test(model),
    isThird
  }
}
