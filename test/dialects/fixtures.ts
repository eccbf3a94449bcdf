import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The runner starts in the root of the repository. @returns the files of `test/fixtures/<folder>` that end so, parsed */
export function readFixtures<Fixture> (folder: string, ending: string): { name: string, fixture: Fixture }[] {
  const path = join(process.cwd(), 'test/fixtures', folder)
  const names = readdirSync(path).filter((name) => name.endsWith(ending))
  if (names.length === 0) throw new Error(`no ${ending} in ${path}`)
  return names.map((name) => ({ name: `${folder}/${name}`, fixture: JSON.parse(readFileSync(join(path, name), 'utf8')) as Fixture }))
}
