import { isCode, isTest, type TextFile } from './repository.ts'
import { lineOf, readSource } from './source.ts'

interface Ban {
  readonly what: RegExp
  /** What to do instead: the message of the failure. */
  readonly instead: string
  /** Where it is allowed all the same. */
  readonly except?: RegExp
  /** What the line before must say for this one to be allowed. */
  readonly unless?: RegExp
}

/** Where the world comes in; everybody else is handed a `Lake`, or the simulation could not repeat a run. */
const ADAPTERS = /^(lake\/(disk|aws)\/|lake\/system\.ts$|local\/|cli\/|bench\/|conformance\/|test\/)/
const ADAPTERS_AND_HANDLERS = new RegExp(`${ADAPTERS.source}|^functions/[\\w-]+/(firehose-)?handler\\.ts$`)

/** In code; literals and comments may say these words. */
const CALLS: readonly Ban[] = [
  { what: /\bDate\.now\b/g, instead: 'use lake.clock.nowMs()', except: ADAPTERS },
  { what: /\bnew Date\(\s*\)/g, instead: 'use new Date(lake.clock.nowMs())', except: ADAPTERS },
  { what: /\bperformance\.now\b/g, instead: 'use lake.clock.nowMs()', except: ADAPTERS },
  { what: /\bMath\.random\b/g, instead: 'use lake.ids.random()', except: ADAPTERS },
  { what: /\brandom(?:UUID|Bytes|Int)\b/g, instead: 'use lake.ids.uuid()', except: ADAPTERS },
  { what: /\bset(?:Timeout|Interval|Immediate)\b/g, instead: 'use lake.clock.sleep(ms, signal)', except: ADAPTERS },
  {
    what: /\bprocess\.env\b/g,
    instead: 'read it in the handler and hand it on as a value',
    except: ADAPTERS_AND_HANDLERS,
  },
  { what: /(?<![.\w])fetch\(/g, instead: 'use a port of lake/lake.ts', except: ADAPTERS },
  { what: /\bconsole\./g, instead: 'use lake.log', except: ADAPTERS },
  {
    what: /\bas any\b|[:<,|] ?any\b(?!\w*[:(])/g,
    instead: 'use unknown and narrow it, or name the type',
    unless: /biome-ignore lint\/suspicious\/noExplicitAny: .{20}/,
  },
  { what: /^\s*(?:export )?(?:declare )?(?:const )?enum \w/gm, instead: 'use a union of literals' },
  { what: /^\s*(?:export )?(?:declare )?namespace \w/gm, instead: 'use a file' },
]

// Put together from two halves, so that this file does not contain what it bans.
const word = (...halves: readonly string[]): RegExp => new RegExp(`\\b${halves.join('')}\\b`, 'g')

/** In any text, comments and documents included. */
const TEXTS: readonly Ban[] = [
  {
    what: new RegExp(`@ts-${'ignore'}|@ts-${'nocheck'}`, 'g'),
    instead: 'repair the type, or @ts-expect-error with a reason',
  },
  { what: word('TO', 'DO'), instead: 'do it, or write an issue' },
  { what: word('FIX', 'ME'), instead: 'do it, or write an issue' },
  { what: word('X', 'XX'), instead: 'do it, or write an issue' },
  {
    what: /(?<![\w.$*})\]-])\/(?:work|root|Users|mnt)\//g,
    instead: 'name a path from the root of the repository: others have it elsewhere',
  },
  {
    what: /\b(?:registry\.[\w-]+\.\w+|[\w.-]*(?:artifactory|jfrog|verdaccio|nexus)[\w-]*\.[\w.]+|index-url\s*[=:])/g,
    instead: 'leave it to the configuration of whoever installs where packages come from',
  },
]

export function bannedCalls(files: readonly TextFile[]): readonly string[] {
  return files.filter(isCode).flatMap(file => found(file, readSource(file.text).code, CALLS))
}

export function bannedTexts(files: readonly TextFile[]): readonly string[] {
  return files.filter(file => !file.path.startsWith('test/tidy')).flatMap(file => found(file, file.text, TEXTS))
}

function found(file: TextFile, text: string, bans: readonly Ban[]): readonly string[] {
  const lines = file.text.split('\n')
  return bans
    .filter(ban => !ban.except?.test(file.path))
    .flatMap(ban =>
      [...text.matchAll(ban.what)].flatMap(hit => {
        const line = lineOf(text, hit.index + hit[0].search(/\S/))
        // Said out loud, in the line before, and with a reason.
        if (ban.unless?.test(lines[line - 2] ?? '')) return []
        return [`${file.path}:${line} ${hit[0].trim()}: ${ban.instead}`]
      }),
    )
}

// --- Tests that do not run -----------------------------------------------------------------------------------------

export interface Pause {
  readonly place: string
  readonly reason: string
}

const PAUSED =
  /\b(?:test|it|describe|suite)(?:\.\w+)*\.(only|skip|todo|fails|skipIf|runIf)\b|\b(only|skip|todo|fails): true\b/g

/** Tests that are left out, with the reason that stands as a comment in the same line; `.only` has no good one. */
export function pausedTests(files: readonly TextFile[]): {
  readonly problems: readonly string[]
  readonly paused: readonly Pause[]
} {
  const hits = files.filter(file => isCode(file) && isTest(file)).flatMap(pauses)
  return {
    problems: hits
      .filter(({ how, reason }) => how === 'only' || reason === '')
      .map(
        ({ place, how }) => `${place} .${how}: ${how === 'only' ? 'run them all' : 'say why in the same line, // …'}`,
      ),
    paused: hits.filter(({ how, reason }) => how !== 'only' && reason !== ''),
  }
}

function pauses(file: TextFile): readonly (Pause & { readonly how: string })[] {
  return [...readSource(file.text).code.matchAll(PAUSED)].map(hit => {
    const line = lineOf(file.text, hit.index)
    const comment = /\/\/\s*(\S.{9,})$/.exec(file.text.split('\n')[line - 1] ?? '')
    return { place: `${file.path}:${line}`, how: hit[1] ?? hit[2] ?? '', reason: comment?.[1] ?? '' }
  })
}
