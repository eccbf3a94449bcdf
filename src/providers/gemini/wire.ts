import type { JsonObject } from '../../api/chat.ts'

/** One of the data members, and what goes with it. */
export interface Part {
  text?: string
  /** The text is what the model thought. */
  thought?: boolean
  /** Base64. */
  thoughtSignature?: string
  inlineData?: Blob
  fileData?: FileData
  functionCall?: FunctionCall
  functionResponse?: FunctionResponse
  /** Members that are passed on, not understood: code execution, server tools, media settings. */
  [member: string]: unknown
}

export interface Blob { mimeType: string, data: string }
export interface FileData { fileUri: string, mimeType?: string }
export interface FunctionCall { id?: string, name: string, args?: JsonObject }
export interface FunctionResponse { id?: string, name: string, response: JsonObject, parts?: Part[] }

export interface Content { role?: 'user' | 'model', parts: Part[] }

export interface Candidate {
  index?: number
  content?: { parts?: Part[] | null, role?: string } | null
  finishReason?: string | null
  /** Why, in words. */
  finishMessage?: string | null
  groundingMetadata?: GroundingMetadata | null
  logprobsResult?: LogprobsResult | null
}

export interface GroundingMetadata {
  groundingChunks?: { web?: { uri?: string, title?: string } }[]
  /** `startIndex` and `endIndex` count bytes of UTF-8. */
  groundingSupports?: { segment?: { startIndex?: number, endIndex?: number }, groundingChunkIndices?: number[] }[]
}

interface LogprobsCandidate { token?: string, logProbability?: number }

export interface LogprobsResult {
  chosenCandidates?: LogprobsCandidate[]
  topCandidates?: { candidates?: LogprobsCandidate[] }[]
}

/** Tokens; totals so far in a stream. */
export interface UsageMetadata {
  promptTokenCount?: number
  toolUsePromptTokenCount?: number
  candidatesTokenCount?: number
  thoughtsTokenCount?: number
  cachedContentTokenCount?: number
  totalTokenCount?: number
  promptTokensDetails?: ModalityTokenCount[] | null
  candidatesTokensDetails?: ModalityTokenCount[] | null
}

export interface ModalityTokenCount { modality?: string, tokenCount?: number }

export interface GenerateContentResponse {
  candidates?: Candidate[] | null
  promptFeedback?: { blockReason?: string | null } | null
  usageMetadata?: UsageMetadata | null
  modelVersion?: string
  responseId?: string
  createTime?: string
}
