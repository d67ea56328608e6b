import type { Call, Command } from './command.ts'
import { historyDocument } from './history-document.ts'
import { printHistory } from './history-printer.ts'
import { landingKeys, landingUri, similarKeys } from './landing-key.ts'
import { type ObjectHistory, objectHistory } from './object-history.ts'
import { refusal, usage } from './refusal.ts'

/** `sluice explain`: what became of one landing object. */
export const explain: Command = {
  name: 'explain',
  summary: 'tell what became of a file that landed',
  takes: { text: 'LANDING-KEY', min: 1, max: 1 },
  options: {},
  notes: ['LANDING-KEY is a key below landing, a full URI, or the path of a file in the landing folder.'],
  examples: ['sluice explain flights/flights-3m.parquet', 'sluice explain .sluice/landing/movies/movies.json --json'],
  reads: true,
  run: async call => {
    const history = await findHistory(call)
    if (call.options.has('json'))
      await call.terminal.out.write(`${JSON.stringify(historyDocument(call.lake, history), null, 2)}\n`)
    else await printHistory(call.lake, call.terminal.out, history)
    return undefined
  },
}

async function findHistory({ lake, given, terminal, datasets }: Call): Promise<ObjectHistory> {
  const declared = await datasets()
  const text = given[0] as string
  if (text.trim() === '')
    throw usage('which file? The key is empty', 'give what stands below landing: sluice explain movies/movies.json')
  const keys = landingKeys(lake, text, terminal.cwd)
  for (const key of keys) {
    const history = await objectHistory(lake, landingUri(lake, key), declared)
    if (history !== undefined) return history
  }
  const near = await similarKeys(lake, keys.at(-1) ?? text)
  const looked = keys.map(key => landingUri(lake, key)).join(' and ')
  throw refusal(
    'not-found',
    `nothing is known of ${text}: there is no ${looked}, and ingest has never seen it`,
    near.length === 0 ? 'put it into landing: sluice put FILE --dataset NAME' : `did you mean ${near.join(' or ')}?`,
  )
}
