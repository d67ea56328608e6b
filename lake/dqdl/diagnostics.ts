import type { Span } from './ast.ts'

/** What is wrong with a text, and where. A ruleset with an error is not run; warnings are told and do no harm. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly span: Span
  /** What to write instead. */
  readonly fix?: string
  /** The text is none of the language; without it, it is of the language and refused. */
  readonly isSyntax?: true
  /** What AWS's parser says of the text, where that says less. */
  readonly aws?: string
}

/**
 * A diagnostic as people read it: line and column from 1, the line with a caret under the place, and the fix.
 *
 *     2:14: error: expected a condition
 *       RowCount, IsComplete "id"
 *               ^
 *       RowCount needs one, such as RowCount > 0
 */
export function showDiagnostic(text: string, { severity, message, span, fix, aws }: Diagnostic): string {
  const { line, column } = placeOf(text, span.start)
  const begin = span.start - column + 1
  const end = text.indexOf('\n', begin)
  const source = text.slice(begin, end < 0 ? undefined : end).replace(/\r$/, '')
  const { shown, before } = windowOf(source, span.start - begin)
  const width = Math.max(1, Math.min(span.end - span.start, shown.length - before.length))
  // Tabs stay tabs before the caret, so that it stands where the editor shows the place.
  const indent = before.replace(/[^\t]/g, ' ')
  const lines = [`${line}:${column}: ${severity}: ${message}`, `  ${shown}`, `  ${indent}${'^'.repeat(width)}`]
  const hints = [...(fix === undefined ? [] : [fix]), ...(aws === undefined ? [] : [`AWS says: ${aws}`])]
  return [...lines, ...hints.map(hint => `  ${hint}`)].join('\n')
}

export interface Place {
  readonly line: number
  readonly column: number
}

/** Line and column from 1, in UTF-16 units as editors count them. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: (before.match(/\n/g)?.length ?? 0) + 1, column: offset - lineStart + 1 }
}

const SHOWN_MAX = 120

/** A ruleset may be one very long line: what stands around the place is enough. */
function windowOf(source: string, at: number): { readonly shown: string; readonly before: string } {
  if (source.length <= SHOWN_MAX) return { shown: source, before: source.slice(0, at) }
  const from = Math.max(0, Math.min(at - SHOWN_MAX / 2, source.length - SHOWN_MAX))
  const prefix = from > 0 ? '… ' : ''
  const suffix = from + SHOWN_MAX < source.length ? ' …' : ''
  return {
    shown: `${prefix}${source.slice(from, from + SHOWN_MAX)}${suffix}`,
    before: `${prefix}${source.slice(from, at)}`,
  }
}
