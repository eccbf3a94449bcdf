/** Whether a member says something: clients write null for what they leave out. */
export function isGiven<T> (value: T): value is NonNullable<T> {
  return value !== undefined && value !== null
}
