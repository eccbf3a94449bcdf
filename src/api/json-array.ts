/**
 * Google's other form of a stream, for clients that do not ask for server-sent events: one JSON array, whose elements come one by one. White
 * space between them is as Google has it, since clients without a parser for such arrays cut at the lines.
 */
export const arrayStart = '['
export const arrayComma = '\n,\r\n'
export const arrayEnd = '\n]\n'
