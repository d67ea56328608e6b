/** How many columns of a terminal the text takes. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segments.segment(text)) width += segmentWidth(segment)
  return width
}

/** The beginning of the text that fits, with … when something is missing. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let taken = ''
  let used = 0
  for (const { segment } of segments.segment(text)) {
    const next = segmentWidth(segment)
    if (used + next > width - 1) break
    taken += segment
    used += next
  }
  return `${taken}…`
}

/**
 * The text on one line and without power over the terminal: what producers send must not move the cursor, set a title or
 * reorder what stands beside it, so controls and the marks of bidirectional text are escaped.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, found => SHORT.get(found) ?? `\\u{${found.codePointAt(0)?.toString(16)}}`)
}

const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu
const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** East Asian Wide and Fullwidth, and emoji: two columns (Unicode Standard Annex 11); marks that combine with nothing: none. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|\ufe0f/u
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

function segmentWidth(segment: string): number {
  if (ZERO.test(segment)) return 0
  return WIDE.test(segment) ? 2 : 1
}
