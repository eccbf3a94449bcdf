import { createOpenAiFamily } from '../../src/providers/openai/provider.ts'
import { loadProvider } from '../config/load-text.ts'
import { testGoldenFiles } from './family-tests.ts'

// What clients of other dialects get: those of OpenAI's are not translated.
testGoldenFiles('openai', createOpenAiFamily(loadProvider('openai', { keys: [{ name: 'main', value: 'secret', models: ['*'] }] })))
