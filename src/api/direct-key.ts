import type { KeySettings } from './settings.ts'

/** Stands for a key that a client brings along, by the name that logs, metrics and answers give it. The secret is filled in where it is used. */
export const directKey: KeySettings = Object.freeze({ id: 'direct', name: 'direct', value: '', models: ['*'], blacklistedModels: [], weight: 1, enabled: true, useForBatchApi: true, aliases: {} })

/** Its index in frames; stored keys are counted from 0. */
export const directKeyIndex = 0xffffffff
