import type { EventSource } from '../lake/event-source.ts'

/**
 * The MSK clusters and Kinesis streams that a stage reads, which belong to somebody else: Sluice takes their records and changes nothing of them.
 * An example, and what each of them asks for, stands in docs/cdc.md.
 */
export const sources: readonly EventSource[] = []
