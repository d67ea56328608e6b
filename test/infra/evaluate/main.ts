// node test/infra/evaluate/main.ts ROOT STAGE OUT [STREAMS]: writes the graph of a stage as JSON, with the streams and
// datasets of another folder if one is named. A process of its own for each,
// because Pulumi keeps its state in globals.
import { writeFileSync } from 'node:fs'
import { evaluate } from './evaluate.ts'

const [root, stage, out, streams] = process.argv.slice(2)
if (root === undefined || stage === undefined || out === undefined)
  throw new Error('usage: node main.ts ROOT STAGE OUT [STREAMS]')

const graph = await evaluate(root, stage, streams)
writeFileSync(out, JSON.stringify(graph, plain, 1))
process.exit(0) // A failed program leaves promises and sockets behind.

/** Archives and other assets of Pulumi hold functions and cycles. */
function plain(_key: string, value: unknown): unknown {
  const isAsset =
    typeof value === 'object' && value !== null && ('__pulumiAsset' in value || '__pulumiArchive' in value)
  return isAsset ? '[asset]' : value
}
