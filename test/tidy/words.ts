import { basename } from 'node:path'
import type { TextFile } from './repository.ts'
import { lineOf } from './source.ts'

/** The repository speaks of the project; how, by whom and with which tools it was written is nobody's concern. */
const WORDS = [
  /\b(?:sub)?agents?\b/gi,
  /\bprompt(?:s|ed|ing)?\b/gi,
  /\bassistants?\b/gi,
  /\b(?:language|foundation) models?\b/gi,
  /\b(?:AI|LLMs?)\b/g,
  /\b(?:chat|coding|work|previous|next) session\b/gi,
  /\bthis (?:conversation|chat|task|ticket|brief)\b/gi,
  /\bas (?:requested|instructed|asked)\b/gi,
  /\b(?:the lead|other engineers?|another engineer)\b/gi,
  /\bco-authored-by\b/gi,
  /\b[Gg]enerated (?:by|with) [A-Z]\w+/g,
  /\bissue \d+\b/gi,
]

/** Terms of the field that only look alike. */
const ALLOWED = [/\buser[- ]agents?\b/gi]

export function strangeWords(files: readonly TextFile[]): readonly string[] {
  return files
    .filter(file => !file.path.startsWith('test/tidy'))
    .flatMap(file => {
      const text = ALLOWED.reduce((rest, term) => rest.replaceAll(term, hit => ' '.repeat(hit.length)), file.text)
      const inText = WORDS.flatMap(word => [...text.matchAll(word)]).map(
        hit => `${file.path}:${lineOf(text, hit.index)} says "${hit[0]}"`,
      )
      const inName = WORDS.filter(word => basename(file.path).replaceAll(/[-_.]/g, ' ').match(word))
      return [...inText, ...inName.map(() => `${file.path}: a file of that name is not part of the project`)]
    })
}

/** A page that is cited by its name must be one that the reader can open. */
export function missingPages(files: readonly TextFile[]): readonly string[] {
  const pages = new Set(files.map(file => basename(file.path)).filter(name => name.endsWith('.md')))
  return files
    .filter(file => !file.path.startsWith('test/tidy') && !file.path.startsWith('test/docs'))
    .flatMap(file =>
      [...file.text.matchAll(/\b[\w-]+\.md\b/g)]
        .filter(hit => !pages.has(hit[0]) && !isAddress(file.text, hit.index))
        .map(hit => `${file.path}:${lineOf(file.text, hit.index)} cites ${hit[0]}, which is not in the repository`),
    )
}

const isAddress = (text: string, at: number): boolean => /https?:\/\/\S*$/.test(text.slice(Math.max(0, at - 300), at))
