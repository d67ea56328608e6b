import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A page of the documentation, with its path from the root of the repository. */
export interface Page {
  readonly path: string
  readonly text: string
}

export interface Block {
  /** Path of the page and the line on which the block begins. */
  readonly place: string
  readonly language: string
  readonly text: string
}

const FOLDER = 'docs'
const AT_ROOT = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md']

export const PAGES: readonly Page[] = [...AT_ROOT, ...markdownIn(FOLDER)].map(readPage)

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `${folder}/${name}`)
    .toSorted()
}

/** The fenced code blocks of a page. */
export function blocksOf({ path, text }: Page): readonly Block[] {
  return [...text.matchAll(/^```(\w*)[^\n]*\n(.*?)^```$/gms)].map(found => ({
    place: `${path}:${text.slice(0, found.index).split('\n').length}`,
    language: found[1] as string,
    text: found[2] as string,
  }))
}

/** The page without its fenced code blocks. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(/^```.*?^```$/gms, '')
}

/** Text in single backticks. */
export function codeSpans(text: string): readonly string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(found => found[1] as string)
}

/** Cells of the tables of a page under the heading, header and rule left out. */
export function tableUnder(page: Page, heading: string): readonly (readonly string[])[] {
  const start = page.text.indexOf(`${heading}\n`)
  if (start < 0) throw new Error(`${page.path} has no heading ${heading}`)
  const level = heading.split(' ')[0] as string
  const rest = page.text.slice(start + heading.length)
  const end = rest.search(new RegExp(`^#{1,${level.length}} `, 'm'))
  const lines = (end < 0 ? rest : rest.slice(0, end)).split('\n')
  return lines
    .filter((line, at) => line.startsWith('|') && !isRule(line) && !isRule(lines[at + 1] ?? ''))
    .map(line =>
      line
        .slice(1, -1)
        .split('|')
        .map(cell => cell.trim()),
    )
}

const isRule = (line: string): boolean => /^\|[-| :]+\|$/.test(line)

/** The anchors that GitHub gives to headings. */
export function anchorsOf(text: string): readonly string[] {
  const headings = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(found => found[1] as string)
  return headings.map(heading =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

export function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}
