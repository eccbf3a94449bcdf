/** How the front process tells its supervisor that starting again would not help. */
export const exitCodes = {
  /** The configuration cannot be used (EX_CONFIG). */
  config: 78,
  /** The address cannot be bound (EX_UNAVAILABLE). */
  address: 69,
  /** An exception nobody caught (EX_SOFTWARE): worth another start. */
  crash: 70
} as const
