/** Both texts with a separator between them, or the one that is not empty. */
export function joinTexts (first: string, separator: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first}${separator}${second}`
}
