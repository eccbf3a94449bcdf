/** What OpenAI's API reference has, in groups that other providers have, too. */
const images = ['image_generation', 'image_edit', 'image_variation']
export const audio = ['speech', 'transcription', 'translation']
export const files = ['file_upload', 'file_list', 'file_retrieve', 'file_content', 'file_delete']
export const batches = ['batch_create', 'batch_list', 'batch_retrieve', 'batch_cancel']
export const openAi = ['chat_completion', 'text_completion', 'embedding', 'responses', 'count_tokens', ...images, ...audio, 'moderation', ...files, ...batches]

const filesPath = '/v1/files'
const batchesPath = '/v1/batches'
export const openAiPaths = {
  chat_completion: '/v1/chat/completions',
  text_completion: '/v1/completions',
  embedding: '/v1/embeddings',
  responses: '/v1/responses',
  rerank: '/v1/rerank',
  count_tokens: '/v1/responses/input_tokens',
  image_generation: '/v1/images/generations',
  image_edit: '/v1/images/edits',
  image_variation: '/v1/images/variations',
  speech: '/v1/audio/speech',
  transcription: '/v1/audio/transcriptions',
  translation: '/v1/audio/translations',
  moderation: '/v1/moderations',
  file_upload: filesPath,
  file_list: filesPath,
  file_retrieve: filesPath,
  file_content: filesPath,
  file_delete: filesPath,
  batch_create: batchesPath,
  batch_list: batchesPath,
  batch_retrieve: batchesPath,
  batch_results: batchesPath,
  batch_cancel: batchesPath,
  batch_delete: batchesPath,
  list_models: '/v1/models'
}
