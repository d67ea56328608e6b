import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Graph, Resource } from '../graph.ts'
import { importBundled, platformOf } from './bundle.ts'
import { answer, attributes } from './mocks.ts'
import { type Rpc, startRpc } from './rpc.ts'

/** The parts of @pulumi/pulumi that are used; the package lies below `.sst/platform`, out of reach of ordinary imports. */
interface Pulumi {
  readonly runtime: {
    setConfig(key: string, value: string): void
    setMocks(mocks: Mocks, project: string, stack: string, preview: boolean, organization: string): Promise<void>
    getMonitor(): Monitor
    runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>
    disconnect(): Promise<void>
  }
  output(value: unknown): { apply(use: (value: unknown) => void): unknown }
}

interface Mocks {
  newResource(args: NewResource): { id: string; state: Record<string, unknown> }
  call(args: { readonly token: string; readonly inputs: Record<string, unknown> }): Record<string, unknown>
}

interface NewResource {
  readonly type: string
  readonly name: string
  readonly inputs: Record<string, unknown>
  readonly id?: string
  readonly custom?: boolean
}

interface Monitor {
  registerResource: (request: RegisterRequest, callback: unknown) => unknown
}

interface RegisterRequest {
  getType(): string
  getName(): string
  getProtect(): boolean
  getRetainondelete(): boolean
}

interface App {
  readonly name: string
  readonly stage?: string
  readonly removal?: string
  readonly protect?: boolean
  readonly providers?: Readonly<Record<string, unknown>>
}

interface Program {
  readonly pulumi: Pulumi
  readonly run: (program: unknown) => Promise<unknown>
  readonly config: { readonly run: unknown }
}

/** Registrations in the order in which they were made, and all that went wrong. */
interface Ledger {
  readonly resources: Resource[]
  readonly unknownCalls: Set<string>
  readonly errors: string[]
  outputs: Record<string, unknown>
}

/**
 * Runs the unmodified sst.config.ts of `root` for a stage, with Pulumi's mocks instead of its engine. Once per process:
 * Pulumi keeps its monitor in globals.
 */
export async function evaluate(root: string, stage: string, streams?: string): Promise<Graph> {
  const rpc = await startRpc(root)
  process.env['SST_SERVER'] = rpc.url
  const record: Ledger = { resources: [], unknownCalls: new Set(), errors: [], outputs: {} }
  try {
    const app = await importApp(root, stage)
    const program = await importProgram(root, { ...app, stage }, streams)
    configureProviders(program.pulumi, app)
    await mock(program.pulumi, { app, stage, record })
    await runProgram(program, record)
  } catch (error) {
    record.errors.push(textOf(error))
  } finally {
    rpc.close()
  }
  return graphOf(stage, record, rpc)
}

function graphOf(stage: string, record: Ledger, rpc: Rpc): Graph {
  return {
    stage,
    outputs: record.outputs,
    resources: record.resources.toSorted((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1)),
    bundles: rpc.bundles,
    unknownCalls: [...record.unknownCalls],
    errors: record.errors,
  }
}

// --- As the SST CLI does -------------------------------------------------------------------------------------------

const configOf = (root: string): string => JSON.stringify(join(root, 'sst.config.ts'))

/** `app()` first: what it returns becomes `$app` of everything else. */
async function importApp(root: string, stage: string): Promise<App> {
  const imported = await importBundled({
    root,
    define: {},
    code: `globalThis.$config = each => each
      const config = (await import(${configOf(root)})).default
      export default await config.app({ stage: ${JSON.stringify(stage)} })`,
  })
  return { removal: 'remove', protect: false, ...(imported as { readonly default: App }).default }
}

async function importProgram(root: string, app: App, streams: string | undefined): Promise<Program> {
  const platform = platformOf(root)
  const paths = { home: join(root, '.sst'), root, work: join(root, '.sst'), platform }
  const imported = await importBundled({
    root,
    streams,
    inject: [join(platform, 'src/shim/run.js')],
    define: {
      $app: JSON.stringify(app),
      $cli: JSON.stringify({ command: 'deploy', dev: false, paths, state: { version: {} } }),
      $dev: 'false',
    },
    globals: [
      ...providersOf(root).map(each => `import * as ${each.alias} from ${JSON.stringify(each.package)}`),
      `import * as sst from ${JSON.stringify(join(platform, 'src/components'))}`,
    ].join('\n'),
    code: `import * as pulumi from '@pulumi/pulumi'
      import { run } from ${JSON.stringify(join(platform, 'src/auto/run.ts'))}
      import config from ${configOf(root)}
      export { pulumi, run, config }`,
  })
  return imported as Program
}

function providersOf(root: string): readonly { readonly alias: string; readonly package: string }[] {
  return JSON.parse(readFileSync(join(root, '.sst', 'provider-lock.json'), 'utf8'))
}

function configureProviders(pulumi: Pulumi, app: App): void {
  for (const [provider, settings] of Object.entries(app.providers ?? {})) {
    if (typeof settings !== 'object' || settings === null) continue
    for (const [key, value] of Object.entries(settings))
      pulumi.runtime.setConfig(`${provider}:${key}`, typeof value === 'string' ? value : JSON.stringify(value))
  }
}

// --- Mocks ---------------------------------------------------------------------------------------------------------

interface Mocked {
  readonly app: App
  readonly stage: string
  readonly record: Ledger
}

async function mock(pulumi: Pulumi, { app, stage, record }: Mocked): Promise<void> {
  const options = new Map<string, { readonly protect: boolean; readonly retainOnDelete: boolean }>()
  const mocks: Mocks = {
    newResource: args => {
      const made = computed(args)
      const kept = options.get(`${args.type} ${args.name}`) ?? { protect: false, retainOnDelete: false }
      record.resources.push(resourceOf(args, made, kept))
      return made
    },
    call: ({ token, inputs }) => {
      const known = answer(token, inputs)
      if (!known) record.unknownCalls.add(token)
      return { ...(known ?? inputs) }
    },
  }
  await pulumi.runtime.setMocks(mocks, app.name, stage, false, 'organization')
  // Mocks are not told of resource options; the request that registers the resource has them.
  const monitor = pulumi.runtime.getMonitor()
  const register = monitor.registerResource.bind(monitor)
  monitor.registerResource = (request, callback) => {
    const kept = { protect: request.getProtect(), retainOnDelete: request.getRetainondelete() }
    options.set(`${request.getType()} ${request.getName()}`, kept)
    return register(request, callback)
  }
}

function computed({ type, name, inputs, id }: NewResource): { id: string; state: Record<string, unknown> } {
  // The provider names what has no name.
  const state: Record<string, unknown> = { ...(type.startsWith('aws:') ? { name: `${name}-auto` } : {}), ...inputs }
  const { id: computedId, ...rest } = attributes(type, name, state)
  return { id: computedId ?? (id || `${name}-id`), state: { ...state, ...rest } }
}

function resourceOf(
  { type, name, custom, inputs }: NewResource,
  made: { readonly id: string; readonly state: Readonly<Record<string, unknown>> },
  kept: Pick<Resource, 'protect' | 'retainOnDelete'>,
): Resource {
  const arn = made.state['arn']
  return {
    type,
    name,
    custom: custom !== false,
    ...kept,
    inputs,
    id: made.id,
    arn: typeof arn === 'string' ? arn : undefined,
  }
}

// --- The run -------------------------------------------------------------------------------------------------------

/** A failed Output leaves all that depends on it pending for ever, so the first error ends the wait. */
async function runProgram({ pulumi, run, config }: Program, record: Ledger): Promise<void> {
  const failed = new Promise<void>(resolve => {
    const onError = (error: unknown): void => {
      record.errors.push(textOf(error))
      setTimeout(resolve, 500) // Others of the same kind usually follow at once; together they say more.
    }
    process.on('unhandledRejection', onError)
    process.on('uncaughtException', onError)
  })
  const finished = (async () => {
    await pulumi.runtime.runInPulumiStack(async () => {
      const outputs = await run(config.run)
      pulumi.output(outputs).apply(values => {
        record.outputs = values as Record<string, unknown>
      })
      return outputs
    })
    // Waits for every registration, those inside `apply` too.
    await pulumi.runtime.disconnect()
  })()
  await Promise.race([finished, failed])
}

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
