/** How the bytes of a type begin. A point stands for any byte. */
const beginnings: readonly { mediaType: string, pattern: RegExp }[] = [
  { mediaType: 'image/png', pattern: /^\x89PNG\r\n\x1a\n/ }, // eslint-disable-line no-control-regex
  { mediaType: 'image/jpeg', pattern: /^\xff\xd8\xff/ },
  { mediaType: 'image/gif', pattern: /^GIF8[79]a/ },
  { mediaType: 'image/webp', pattern: /^RIFF....WEBP/s },
  { mediaType: 'image/heic', pattern: /^....ftyp(?:heic|heix|hevc)/s },
  { mediaType: 'image/heif', pattern: /^....ftyp(?:mif1|msf1)/s },
  { mediaType: 'application/pdf', pattern: /^%PDF-/ }
]
const beginningBytes = 16

/** What servers say of files that they know nothing of. */
const anything: ReadonlySet<string> = new Set(['', 'application/octet-stream', 'binary/octet-stream'])

/** Of one kind, so that one may turn out to be the other: an image that is called JPEG and is a PNG is common, and harmless. */
function isAkin (said: string, found: string): boolean {
  return said === found || anything.has(said) || (said.startsWith('image/') && found.startsWith('image/'))
}

/** `image/png` of `Image/PNG; charset=binary`; empty when there is none. */
export function bareMediaType (contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}

/** Whether a file that its server says is this may turn out to be one of the wanted. */
export function mayBe (said: string, wanted: readonly string[]): boolean {
  return anything.has(said) || said.startsWith('image/') ? wanted.some((type) => isAkin(said, type)) : wanted.includes(said)
}

/**
 * What a file is: by its bytes where they say it, since providers believe those.
 * @returns null when the bytes are not what was said
 */
export function detectMediaType (said: string, bytes: Buffer): string | null {
  const beginning = bytes.toString('latin1', 0, beginningBytes)
  const found = beginnings.find(({ pattern }) => pattern.test(beginning))?.mediaType ?? null
  if (found !== null) return isAkin(said, found) ? found : null
  // Nothing else has a beginning of its own, and text may begin with anything.
  return said === 'text/plain' ? said : null
}
