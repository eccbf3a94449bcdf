import type { HedgeContext } from './hedged-attempt.ts'
import type { PlanContext } from './router/plan.ts'

/** What all requests share beside the configuration: health, identities, clocks, chance and timers. */
export interface GatewayContext extends PlanContext, HedgeContext {}
