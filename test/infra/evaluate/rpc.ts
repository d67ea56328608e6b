import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { isBuiltin } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import type { Bundle } from '../graph.ts'
import { BANNER } from './bundle.ts'
import { ACCOUNT, REGION } from './mocks.ts'

export interface Rpc {
  readonly url: string
  readonly bundles: Bundle[]
  close(): void
}

/** Stands in for the Go process that components call through `SST_SERVER`: it bundles handlers and knows the bootstrap bucket. */
export async function startRpc(root: string): Promise<Rpc> {
  const bundles: Bundle[] = []
  const server = createServer(async (request, response) => {
    const reply = await handle(JSON.parse(await bodyOf(request)), { root, bundles })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(reply))
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo // Listening on a port, so it is no pipe.
  return {
    url: `http://127.0.0.1:${port}`,
    bundles,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function bodyOf(request: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

interface Call {
  readonly method: string
  readonly params: readonly BuildInput[]
}

/** What `function.ts` of SST sends with `Runtime.Build`. */
interface BuildInput {
  readonly functionID: string
  readonly handler: string
  readonly properties?: { readonly install?: Readonly<Record<string, string>> }
}

interface Place {
  readonly root: string
  readonly bundles: Bundle[]
}

async function handle({ method, params }: Call, place: Place): Promise<unknown> {
  switch (method) {
    case 'Provider.Aws.Bootstrap':
      return {
        result: {
          asset: 'sst-asset-test',
          assetEcrRegistryId: ACCOUNT,
          assetEcrUrl: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/sst-asset`,
          state: 'sst-state-test',
        },
      }
    case 'Runtime.AddTarget':
      return { result: true }
    case 'Runtime.Build':
      return { result: await build(params[0]!, place) }
    default:
      return { error: `rpc: no method ${method}` }
  }
}

/** pkg/runtime/node/build.go of SST: one ESM file, packages of `install` stay outside and come along as node_modules. */
async function build(input: BuildInput, { root, bundles }: Place): Promise<unknown> {
  const out = join(root, '.sst', 'artifacts', `${input.functionID}-src`)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const [file = '', exported = ''] = splitHandler(input.handler)
  const installed = input.properties?.install ?? {}
  const result = await bundle(join(root, `${file}.ts`), {
    outfile: join(out, 'bundle.mjs'),
    external: Object.keys(installed),
  })
  const built = { functionId: input.functionID, handler: input.handler, folder: out, installed, ...result }
  bundles.push(built)
  return { handler: `bundle.${exported}`, out, errors: built.errors, sourcemaps: [] }
}

const splitHandler = (handler: string): readonly string[] => [
  handler.slice(0, handler.lastIndexOf('.')),
  handler.slice(handler.lastIndexOf('.') + 1),
]

type Built = Pick<Bundle, 'bytes' | 'exports' | 'external' | 'errors'>

async function bundle(
  entry: string,
  options: { readonly outfile: string; readonly external: string[] },
): Promise<Built> {
  try {
    const { metafile } = await esbuild.build({
      entryPoints: [entry],
      banner: { js: BANNER },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'esnext',
      mainFields: ['module', 'main'],
      metafile: true,
      logLevel: 'silent',
      ...options,
    })
    const output = Object.values(metafile.outputs)[0]!
    const external = output.imports.filter(each => each.external && !isBuiltin(each.path)).map(each => each.path)
    return { bytes: output.bytes, exports: output.exports, external: [...new Set(external)], errors: [] }
  } catch (error) {
    return { bytes: 0, exports: [], external: [], errors: [String(error)] }
  }
}
