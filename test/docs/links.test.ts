// The documentation points at things that are there: relative links and their anchors resolve, files that are named in it exist, and
// no page of a decision is missing from the list.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsOf, codeSpans, isFile, PAGES, proseOf, ROOT, readPage, tableUnder } from './pages.ts'

describe.each(PAGES.map(page => [page.path, page] as const))('%s', (path, page) => {
  const prose = proseOf(page)
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(found => found[1] as string)

  test('relative links resolve', () => {
    const broken = links.filter(link => !/^[a-z]+:/.test(link) && !resolves(path, link))
    expect(broken).toEqual([])
  })

  test('files that it names exist', () => {
    // Paths with a placeholder are none; what a lake holds is in no repository.
    const named = codeSpans(prose).filter(span => /^[\w.-]+(\/[\w.-]+)+\.(ts|js|md|json|sh|svg)$/.test(span))
    expect(named.filter(file => !existsSync(join(ROOT, file)))).toEqual([])
  })
})

function resolves(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? from : relative(ROOT, join(ROOT, dirname(from), file))
  if (!existsSync(join(ROOT, target))) return false
  return anchor === undefined || (isFile(join(ROOT, target)) && anchorsOf(readPage(target).text).includes(anchor))
}

test('the list of decisions names them all', () => {
  const decisions = PAGES.filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path))
  const list = readPage('docs/decisions/README.md').text
  expect(decisions.length).toBeGreaterThan(0)
  for (const { path } of decisions) expect(list).toContain(`](${path.split('/').at(-1)})`)
})

test.each(PAGES.filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path)).map(page => [page.path, page] as const))(
  '%s says why, and what would change our mind',
  (_path, { text }) => {
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(found => found[1])
    expect(headings).toEqual(['Context', 'Options', 'Choice', 'What would change our mind'])
  },
)

test('the page on dependencies names each of them', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  const rows = tableUnder(readPage('docs/decisions/0001-dependencies.md'), '## Choice').map(
    ([first]) => first as string,
  )
  const missing = Object.entries(dependencies).filter(
    ([name, version]) => !rows.some(row => codeSpans(row).includes(name) && row.endsWith(` ${version}`)),
  )
  expect(missing).toEqual([])
})
