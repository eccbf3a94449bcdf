/** An image or a file that a chat names by its address. */
export interface MediaReference {
  kind: 'image' | 'file'
  /** Begins with `http:` or `https:`. */
  url: string
  /** As the client calls the file. */
  filename?: string
}
