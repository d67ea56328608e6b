import { dirname, join } from 'node:path'
import type { TextFile } from './repository.ts'
import { lineOf, readSource } from './source.ts'

export interface Import {
  readonly from: string
  readonly line: number
  /** A path of the repository, or the name of a package (`node:fs`, `@scope/name`). */
  readonly to: string
  readonly package: boolean
  /** Erased before anything runs. */
  readonly typeOnly: boolean
}

const DYNAMIC = /(?:\bimport|\brequire|\b(?:require|import\.meta)\.resolve|\bcreateRequire\([^()]*\))\s*\($/

/** Every import of a file: static, re-exported, dynamic and required. */
export function importsOf(file: TextFile): readonly Import[] {
  const { code, literals } = readSource(file.text)
  return literals.flatMap(({ value, from }) => {
    const before = code.slice(0, from).trimEnd()
    const isStatic = /\b(?:from|import)$/.test(before)
    if (!isStatic && !DYNAMIC.test(before)) return []
    const statement = before.slice(Math.max(before.lastIndexOf('import'), before.lastIndexOf('export')))
    const to = targetOf(file.path, value)
    return [
      {
        from: file.path,
        line: lineOf(file.text, from),
        to: to ?? packageOf(value),
        package: to === undefined,
        typeOnly: isStatic && /^(?:import|export)\s+type\b/.test(statement),
      },
    ]
  })
}

/** Files that a file names in a literal, as what is started in a process of its own or handed to a bundler. */
export function namedFiles(file: TextFile, paths: ReadonlySet<string>): readonly string[] {
  const { literals } = readSource(file.text)
  return literals.flatMap(({ value }) => {
    const handler = /^(.+)\.handler$/.exec(value)?.[1]
    const candidates = [join(dirname(file.path), value), value.replace(/^\.\//, ''), `${handler}.ts`]
    return candidates.filter(path => paths.has(path))
  })
}

function targetOf(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(importer), specifier)
  // package.json, "imports": `#lake/…` is `./lake/…`, and so for the other folders.
  return specifier.startsWith('#') ? specifier.slice(1) : undefined
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
