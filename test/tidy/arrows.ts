import { type Import, importsOf } from './imports.ts'
import { isCode, type TextFile } from './repository.ts'

/** The first pattern that matches a path names its layer. */
const LAYERS = [
  // A second Lambda of a folder has a handler of its own name: `firehose-handler.ts` beside `firehose.ts`.
  ['handler', /^functions\/([\w-]+)\/(firehose-|erase-)?handler\.ts$/],
  ['story', /^functions\/([\w-]+)\/(\1|firehose|erase)\.ts$/],
  ['step', /^functions\//],
  ['lake/aws', /^lake\/aws\//],
  ['lake/disk', /^lake\/disk\//],
  ['lake/duckdb', /^lake\/duckdb\//],
  ['lake/dqdl', /^lake\/dqdl\//],
  ['lake/iceberg', /^lake\/iceberg\//],
  ['lake', /^lake\/[^/]+$/],
  ['datasets', /^datasets\//],
  ['workflows', /^workflows\//],
  ['stacks', /^(stacks\/|sst\.config\.ts$)/],
  ['local', /^local\//],
  // The one door from the command line to a deployed stage.
  ['remote', /^cli\/remote-lake\.ts$/],
  // It loads the list of datasets when a command asks: a mistake in a declaration keeps nobody from looking at tables.
  ['program', /^cli\/sluice\.(ts|js)$/],
  ['cli', /^cli\//],
  ['bench', /^bench\//],
  ['conformance', /^conformance\//],
  ['examples', /^examples\//],
  ['test', /^(test\/|vitest\.config\.ts$)/],
] as const satisfies readonly (readonly [string, RegExp])[]

type Layer = (typeof LAYERS)[number][0]

/** What stories and steps may know of the lake: everything but the worlds it runs in. */
const LAKE = ['lake', 'lake/iceberg', 'lake/dqdl', 'lake/duckdb'] as const
/** The clock and the chance of the machine: for adapters alone, everybody else is given a `Lake`. */
const SYSTEM = 'lake/system.ts'
const ADAPTERS: readonly Layer[] = ['lake/aws', 'lake/disk', 'test']

/** Who may import whom: layers, or single files. Every layer may import itself, but no function another one. */
const ARROWS: Readonly<Record<Layer, readonly string[]>> = {
  handler: ['story', 'lake', 'lake/aws', 'datasets'],
  story: ['step', ...LAKE],
  step: LAKE,
  lake: ['lake/iceberg', 'lake/dqdl', 'lake/duckdb'],
  'lake/iceberg': ['lake', 'lake/duckdb'],
  'lake/dqdl': ['lake', 'lake/duckdb'],
  'lake/duckdb': ['lake', 'lake/iceberg'],
  'lake/aws': ['lake', 'lake/duckdb'],
  'lake/disk': ['lake', 'lake/duckdb'],
  datasets: ['lake/dataset.ts'],
  workflows: ['lake/events.ts', 'lake/errors.ts', 'lake/dataset.ts', 'lake/canary.ts', 'lake/stream.ts'],
  stacks: ['datasets', 'workflows', 'lake'],
  local: ['story', ...LAKE, 'lake/disk', 'datasets', 'workflows'],
  program: ['cli', 'lake', 'datasets'],
  cli: ['story', ...LAKE, 'lake/disk', 'local', 'remote'],
  remote: ['lake', 'lake/aws', 'cli'],
  bench: ['story', ...LAKE, 'lake/disk', 'datasets', 'local'],
  conformance: ['story', ...LAKE, 'lake/disk', 'local'],
  examples: ['lake/dataset.ts'],
  test: LAYERS.map(([layer]) => layer),
}

/** Which layers may import a package; one that is not listed here has no place yet. `*` stands for the rest of the name. */
const PACKAGES: Readonly<Record<string, readonly Layer[]>> = {
  'node:*': LAYERS.map(([layer]) => layer).filter(layer => layer !== 'datasets' && layer !== 'workflows'),
  '@aws-sdk/*': ['lake/aws', 'test'],
  '@middy/*': ['lake/aws', 'test'],
  '@aws-lambda-powertools/*': ['lake/aws', 'test'],
  'aws-lambda': ['lake/aws', 'test'],
  // The benchmark measures against DuckDB as it comes.
  '@duckdb/node-api': ['lake/duckdb', 'bench'],
  avsc: ['step', 'test'],
  hyparquet: ['step', 'lake/duckdb', 'test'],
  jsonata: ['local'],
  'vega-datasets': ['cli', 'test'],
  'asl-validator': ['test'],
  chdb: ['test'],
  esbuild: ['test'],
  'fast-check': ['test'],
  '@pulumi/*': ['test'],
  vitest: ['test'],
}

/** Imports that the house does not allow (docs/architecture.md), each with the reason. */
export function forbiddenImports(files: readonly TextFile[]): readonly string[] {
  return files
    .filter(isCode)
    .flatMap(importsOf)
    .flatMap(each => {
      const problem = each.package ? packageProblem(each) : arrowProblem(each)
      return problem === undefined ? [] : [`${each.from}:${each.line} imports ${each.to}: ${problem}`]
    })
}

function packageProblem({ from, to }: Import): string | undefined {
  const layer = layerOf(from)
  const allowed = Object.entries(PACKAGES).find(([name]) => to === name || matchesStar(name, to))?.[1]
  if (allowed === undefined) return 'the package has no place yet; say in test/tidy/arrows.ts who may import it'
  if (layer === undefined || allowed.includes(layer)) return undefined
  return `only ${allowed.join(', ')} may; others reach it through a port of lake/lake.ts`
}

const matchesStar = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))

function arrowProblem({ from, to, typeOnly }: Import): string | undefined {
  const [layer, target] = [layerOf(from), layerOf(to)]
  // Data beside the code (package.json, a workflow's input) belongs to nobody.
  if (layer === undefined || target === undefined) return undefined
  if (to === SYSTEM && !ADAPTERS.includes(layer)) return 'clock, ids and chance come in through `Lake`'
  const [own, other] = [functionOf(from), functionOf(to)]
  if (own !== undefined && other !== undefined && own !== other)
    return `${own} and ${other} are two functions; what both need belongs in lake/`
  // The nouns of a story, as types, are the language of its steps.
  if (layer === 'step' && target === 'story' && typeOnly) return undefined
  if (layer === target || ARROWS[layer].includes(target) || ARROWS[layer].includes(to)) return undefined
  return `${layer} may import ${ARROWS[layer].join(', ') || 'nothing'}`
}

const layerOf = (path: string): Layer | undefined => LAYERS.find(([, pattern]) => pattern.test(path))?.[0]
const functionOf = (path: string): string | undefined => /^functions\/([\w-]+)\//.exec(path)?.[1]

/** Files that import each other in a circle at run time: which one is ready first is then an accident. */
export function importCycles(files: readonly TextFile[]): readonly string[] {
  const edges = new Map(
    files
      .filter(isCode)
      .map(file => [file.path, importsOf(file).filter(each => !each.package && !each.typeOnly)] as const),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) cycles.push([...above.slice(above.indexOf(path)), path].join(' → '))
    if (above.includes(path) || done.has(path)) return
    for (const each of edges.get(path) ?? []) visit(each.to, [...above, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return cycles
}
