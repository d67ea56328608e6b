// Every command that the documentation names exists: `sluice …` with its options, and the scripts of npm.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PAGES, ROOT } from './pages.ts'

function help(...command: readonly string[]): string {
  const script = join(ROOT, 'cli/sluice.ts')
  return spawnSync(process.execPath, [script, ...command, '--help'], { encoding: 'utf8' }).stdout
}

/** `npx sluice COMMAND …`, to the end of the line or of the code span. */
const calls = PAGES.flatMap(({ path, text }) =>
  [...text.matchAll(/npx sluice ([a-zA-Z]+)([^`\n]*)/g)].map(([, command, rest]) => ({
    path,
    command: command as string,
    options: [...(rest as string).replaceAll(/"[^"]*"|#.*/g, '').matchAll(/--([a-z][a-z-]*)/g)].map(found => found[1]),
  })),
).filter(({ command }) => command !== 'COMMAND')

const commands = [...new Set(calls.map(({ command }) => command))]

test('the README shows how to look at the result', () => {
  const shown = calls.filter(({ path }) => path === 'README.md').map(({ command }) => command)
  expect(shown).toEqual(expect.arrayContaining(['local', 'put', 'tables', 'show', 'sql', 'explain']))
})

describe.each(commands)('sluice %s', command => {
  test('is in the list of commands', () => expect(help()).toMatch(new RegExp(`^  ${command} `, 'm')))

  test('has the options that it is given', () => {
    const text = help(command)
    const given = calls.filter(call => call.command === command).flatMap(({ options }) => options)
    for (const option of given) expect(text).toContain(`  --${option} `)
  })
})

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}
const runs = PAGES.flatMap(({ text }) => [...text.matchAll(/npm run ([a-z:]+)/g)].map(found => found[1] as string))

test.each([...new Set(runs)])('npm run %s', script => expect(Object.keys(scripts)).toContain(script))
