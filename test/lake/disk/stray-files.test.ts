// Every file below a zone's folder is either an object that a listing has or a stray file, and never both.
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { strayFiles } from '#lake/disk/stray-files.ts'
import { inFolder } from '../../local/lake-state.ts'

test('links, pipes and names that no key has', () =>
  inFolder(async folder => {
    const landing = join(folder, 'landing')
    const file = (name: string | Buffer): void =>
      writeFileSync(Buffer.concat([Buffer.from(`${landing}/`), Buffer.from(name)]), 'x')
    for (const name of ['a', 'deep/er', 'x%more']) mkdirSync(join(landing, name), { recursive: true })
    for (const name of ['a/plain', 'deep/er/ü %20+.x', 'deep/er/%0A', 'a/.hidden']) file(name)
    file('a/new\nline')
    file(`a/${'é'.repeat(124)}`)
    file('x%more/rest')
    file(Buffer.from([0x61, 0x2f, 0xff]))
    symlinkSync(join(landing, 'a/plain'), join(landing, 'a/link'))
    symlinkSync(join(landing, 'deep'), join(landing, 'a/folder'))
    execFileSync('mkfifo', [join(landing, 'a/pipe')])

    const lake = diskLake(folder)
    const keys: string[] = []
    for await (const { uri } of lake.storage.list(`${lake.zones.landing}/`))
      keys.push(uri.slice(lake.zones.landing.length + 1))
    expect(keys).toEqual(['a/.hidden', 'a/plain', 'deep/er/\n', 'deep/er/ü %20+.x'])
    expect((await strayFiles(landing)).map(({ path, why }) => `${why} ${path}`)).toEqual([
      'link a/folder',
      'link a/link',
      'name a/new\nline',
      'special a/pipe',
      `name a/${'é'.repeat(124)}`,
      'name a/\ufffd',
      'name x%more/rest',
    ])
  }))

test('a folder that is not there has none', async () => {
  expect(await strayFiles('/nowhere/at/all')).toEqual([])
})
