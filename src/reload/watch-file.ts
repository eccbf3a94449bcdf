import { stat, statSync } from 'node:fs'
import type { Stats } from 'node:fs'

/** How often the file is looked at, in milliseconds. */
const lookMs = 500

/**
 * Calls back when the file has changed or gone. It is looked at rather than watched: that also sees files that are replaced by
 * renaming, links that turn to another target as in mounted config maps, and network file systems, where watching does not.
 * @returns ends it
 */
export function watchConfigFile (path: string, onChange: () => void): () => void {
  let known = toMark(statSync(path, { throwIfNoEntry: false }))
  const timer = setInterval(() => {
    stat(path, (_error, stats) => {
      const mark = toMark(stats)
      if (mark === known) return
      known = mark
      onChange()
    })
  }, lookMs)
  timer.unref()
  return () => { clearInterval(timer) }
}

/** Another inode is another file, even where its time and size are the same. */
function toMark (stats: Stats | undefined): string {
  return stats === undefined ? 'gone' : `${stats.ino}/${stats.mtimeMs}/${stats.size}`
}
