import { type Applied, cdcApplyStep, type HandOver } from '#functions/cdc-apply/cdc-apply.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Lake } from '#lake/lake.ts'
import { runStatement } from '#local/athena.ts'
import { people } from './applying.ts'

/** A dataset whose every batch goes to Athena. */
export function handed(spec: Parameters<typeof people>[0] = {}): Dataset {
  const dataset = people(spec)
  return { ...dataset, publish: { ...dataset.publish, mergeBytesMax: 0 } as Dataset['publish'] }
}

/** What the state machine does: statements are run, and the function is called again, until it answers with its report. */
export async function handOver(
  lake: Lake,
  dataset: Dataset,
  batch: string,
  run: (statement: string) => Promise<void> = statement => runStatement(lake, statement),
): Promise<Applied> {
  let answer = await cdcApplyStep(lake, dataset, { batch })
  while (isStatement(answer)) {
    await run(answer.statement)
    answer = await cdcApplyStep(lake, dataset, { batch, step: answer.step })
  }
  return answer
}

const isStatement = (answer: HandOver | Applied): answer is HandOver => 'statement' in answer
