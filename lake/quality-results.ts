import { type Column, ownColumn as column } from './dataset.ts'
import type { TableName } from './lake.ts'

/** One row for each rule and batch, of all datasets. No dataset can be called so: "__" is kept for side tables. */
export const QUALITY_RESULTS: TableName = 'sluice__quality_results'

/** The table's columns; lineage columns follow, of the newest raw object of the batch and the rule's number. */
export const RESULT_COLUMNS: readonly Column[] = [
  column('dataset', 'string', 'whose rule it is'),
  column('batch', 'string', 'the batch that was judged'),
  column('status', 'string', 'what became of the batch: pass or halt'),
  column('rule', 'string', 'the rule, in its canonical text'),
  column('evaluated_rule', 'string', 'the rule with its dynamic parts as they were'),
  column('outcome', 'string', 'Passed, Failed or Error'),
  column('reason', 'string', 'why it did not pass'),
  column('consequence', 'string', 'what followed: none, quarantine or halt'),
  column(
    'metrics',
    { map: { key: 'string', value: 'double' } },
    'what was measured, by the names of Glue Data Quality',
  ),
  column('labels', { map: { key: 'string', value: 'string' } }, 'the labels of the rule, defaults included'),
  column('rows_passed', 'long', 'rows that pass it; null when it says nothing of single rows'),
  column('rows_failed', 'long', 'rows that fail it'),
  column('rows_skipped', 'long', 'rows that its where leaves out'),
  column('score', 'double', 'the share of all rules of the batch that passed, 0 to 1'),
  column('contract_version', 'int', 'the contract of the dataset at that time'),
  column('evaluated_at', 'timestamptz', 'when the batch was judged'),
]
