import { readFileSync, rmSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'

export interface ProgramSource {
  /** The folder of sst.config.ts. */
  readonly root: string
  readonly code: string
  /** Replaced in all code, as the CLI does for `$app`, `$cli` and `$dev`. */
  readonly define: Readonly<Record<string, string>>
  /** Put at the top of every file outside `.sst`: imports of the providers and of SST's components. */
  readonly globals?: string
  readonly inject?: readonly string[]
  /** A folder with other streams and datasets than those that are declared. */
  readonly streams?: string | undefined
}

export const platformOf = (root: string): string => join(root, '.sst', 'platform')

let programs = 0

/** Bundles and imports code just as the SST CLI does (pkg/js/js.go, version 4.17.1), so that sst.config.ts is run as deployed. */
export async function importBundled(source: ProgramSource): Promise<unknown> {
  const platform = platformOf(source.root)
  // Inside the platform, where Node finds the Pulumi packages that stay external.
  const outfile = join(platform, `graph-${process.pid}-${++programs}.mjs`)
  try {
    await esbuild.build({
      banner: { js: BANNER },
      bundle: true,
      format: 'esm',
      platform: 'node',
      mainFields: ['module', 'main'],
      sourcemap: 'inline',
      logLevel: 'silent',
      outfile,
      define: { ...source.define },
      inject: [...(source.inject ?? [])],
      stdin: { contents: source.code, resolveDir: source.root, sourcefile: 'eval.ts', loader: 'ts' },
      nodePaths: [join(platform, 'node_modules')],
      external: [
        ...'undici esbuild archiver glob vite'.split(' '),
        '@pulumi/*',
        '@pulumiverse/*',
        '@sst-provider/*',
        '@aws-sdk/*',
      ],
      plugins: [stableNames, streamsPlugin(source), globalsPlugin(source)],
    })
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(outfile, { force: true })
  }
}

/** What SST puts before every ESM bundle, its own and those of handlers: bundled CommonJS wants `require` and the like. */
export const BANNER = `import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from 'url';
const __filename = topLevelFileUrlToPath(import.meta.url);
const __dirname = topLevelFileUrlToPath(new topLevelURL('.', import.meta.url));
`

/** Physical names end in a random suffix; here it is the resource's name, so that two runs give the same graph. */
const stableNames: esbuild.Plugin = {
  name: 'stable-names',
  setup(build) {
    build.onLoad({ filter: /components[\\/]naming\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const contents = source.replace('crypto.randomBytes(8).toString("hex")', 'name')
      if (contents === source) throw new Error('naming.ts of SST has changed: adapt the plugin stable-names')
      return { contents, loader: 'ts' }
    })
  },
}

/** `sources.ts` and `datasets.ts` of the folder instead of `stacks/sources.ts` and `datasets/index.ts`. */
function streamsPlugin({ streams }: ProgramSource): esbuild.Plugin {
  return {
    name: 'streams',
    setup(build) {
      build.onResolve({ filter: /(^\.\/sources|datasets\/index)\.ts$/ }, ({ path, importer }) =>
        streams === undefined || importer.startsWith(streams)
          ? undefined
          : { path: join(streams, path.endsWith('/sources.ts') ? 'sources.ts' : 'datasets.ts') },
      )
    },
  }
}

function globalsPlugin({ root, globals }: ProgramSource): esbuild.Plugin {
  const sst = join(root, '.sst')
  return {
    name: 'globals',
    setup(build) {
      build.onLoad({ filter: /\.(js|ts|jsx|tsx)$/ }, ({ path }) => {
        if (globals === undefined || path.startsWith(sst)) return undefined
        const loader = extname(path).slice(1) as esbuild.Loader // The filter lets only these four through.
        return { contents: `${globals}\n${readFileSync(path, 'utf8')}`, loader }
      })
    },
  }
}
