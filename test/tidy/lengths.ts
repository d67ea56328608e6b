import { isCode, isTest, type TextFile } from './repository.ts'
import { lineOf, readSource } from './source.ts'

export const FILE_LINES_MAX = 300
export const TEST_LINES_MAX = 400
export const FUNCTION_LINES_MAX = 70

/** What is longer than allowed, with its present length. */
export type Exceptions = Readonly<Record<string, number>>

/** A ratchet: what stands in `exceptions` may only shrink, and everything else keeps to the limits. */
export function tooLong(files: readonly TextFile[], exceptions: Exceptions): readonly string[] {
  const measured = new Map(files.filter(isCode).flatMap(measure))
  const problems = [...measured].flatMap(([what, { lines, max }]) => {
    const allowed = exceptions[what] ?? max
    if (lines > allowed) return [`${what} has ${lines} lines, ${allowed} are allowed: split it by what it does`]
    if (what in exceptions && lines <= max) return [`${what} keeps to ${max} lines now: drop it from the exceptions`]
    if (what in exceptions && lines < allowed) return [`${what} has shrunk: lower its exception to ${lines}`]
    return []
  })
  const gone = Object.keys(exceptions).filter(what => !measured.has(what))
  return [...problems, ...gone.map(what => `${what} is no more: drop it from the exceptions`)]
}

type Measure = readonly [what: string, length: { readonly lines: number; readonly max: number }]

function measure(file: TextFile): readonly Measure[] {
  const max = isTest(file) ? TEST_LINES_MAX : FILE_LINES_MAX
  const lines = lineOf(file.text.trimEnd(), file.text.length)
  // Of those that share a name, such as tests, the last entry stays: the longest.
  const functions = functionsOf(file.text)
    .toSorted((left, right) => left.lines - right.lines)
    .map(({ name, lines }): Measure => [`${file.path} ${name}`, { lines, max: FUNCTION_LINES_MAX }])
  return [[file.path, { lines, max }], ...functions]
}

interface FunctionLength {
  readonly name: string
  readonly lines: number
}

const NO_FUNCTION =
  /^(?:\} ?)*(?:if|for|while|switch|catch|else|do|try|with|class|interface|return|throw|export default)\b/
const NAME = /(?:function\*? |const |let |static |async |get |set |^)\s*([\w$#]+)\s*(?:<[^(]*>)?(?:\(|[:=])/

/**
 * Functions by their braces, in code as the formatter leaves it: a construct ends in a line that is indented like the one in
 * which it begins. `describe` only groups tests, so it has no length of its own.
 */
export function functionsOf(text: string): readonly FunctionLength[] {
  const { code } = readSource(text)
  const lines = code.split('\n')
  return bracesOf(code).flatMap(({ open, close }) => {
    const [opened, closed] = [lineOf(code, open) - 1, lineOf(code, close) - 1]
    if (closed - opened < 2) return []
    const first = firstLine(lines, opened, indentOf(lines[closed] ?? ''))
    const header = `${lines.slice(first, opened).join(' ')} ${lines[opened]?.slice(0, columnOf(code, open))}`.trim()
    if (!isFunction(header) || /^describe\b/.test(header)) return []
    return [{ name: nameOf(header), lines: closed - first + 1 }]
  })
}

function isFunction(header: string): boolean {
  if (header.endsWith('=>') || /\bfunction\b.*[^=(,[:&|?]$/.test(header)) return true
  // A method: a name, parameters and perhaps a type before the brace; anything else before it makes it a value or a block.
  return !NO_FUNCTION.test(header) && /^(?:[\w$#*]+ )*[\w$#]+(?:<.*>)?\(.*\)(?:: .*[^=(,[:&|?])?$/.test(header)
}

const nameOf = (header: string): string => NAME.exec(header)?.[1] ?? (header.split('(')[0] as string)

/** Upwards to the line that the closing one is aligned with; `): Promise<void> {` only ends a header. */
function firstLine(lines: readonly string[], opened: number, indent: number): number {
  for (let at = opened; at >= 0; at--) {
    const line = lines[at] ?? ''
    if (line.trim() !== '' && indentOf(line) === indent && !/^\s*[)}\]>|&]/.test(line)) return at
  }
  return opened
}

const indentOf = (line: string): number => line.length - line.trimStart().length
const columnOf = (text: string, position: number): number => position - (text.lastIndexOf('\n', position - 1) + 1)

function bracesOf(code: string): readonly { readonly open: number; readonly close: number }[] {
  const waiting: number[] = []
  const pairs: { readonly open: number; readonly close: number }[] = []
  for (const { 0: brace, index } of code.matchAll(/[{}]/g)) {
    if (brace === '{') waiting.push(index)
    else pairs.push({ open: waiting.pop() ?? 0, close: index })
  }
  return pairs.toSorted((left, right) => left.open - right.open)
}
