// Contract: what rules said reaches CloudWatch as three metrics with the dataset as their only dimension, in one line of the embedded metric
// format; a dataset without rules writes nothing; the report comes back as it was.
import { afterEach, expect, test, vi } from 'vitest'
import { countRules } from '#lake/aws/rule-metrics.ts'

afterEach(() => vi.restoreAllMocks())

function written(work: () => void): readonly Record<string, unknown>[] {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => lines.push(...String(text).split('\n')) > 0)
  vi.spyOn(console, 'log').mockImplementation(line => void lines.push(String(line)))
  work()
  vi.restoreAllMocks()
  return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Record<string, unknown>)
}

test('rules passed, rules failed and the score, by dataset', () => {
  const report = { dataset: 'orders', batch: 'b1', rules: { passed: 3, failed: 1, score: 0.75 } }
  const lines = written(() => expect(countRules(report)).toBe(report))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ dataset: 'orders', RulesPassed: 3, RulesFailed: 1, QualityScore: 0.75 })
  expect(lines[0]?.['_aws']).toMatchObject({
    CloudWatchMetrics: [
      {
        Namespace: 'Sluice',
        Metrics: [
          { Name: 'RulesPassed', Unit: 'Count' },
          { Name: 'RulesFailed', Unit: 'Count' },
          { Name: 'QualityScore', Unit: 'None' },
        ],
      },
    ],
  })
  expect(JSON.stringify(lines[0]?.['_aws'])).toContain('"dataset"')
})

test('a dataset without rules has nothing to count', () => {
  const report = { dataset: 'orders', batch: 'b1' }
  expect(written(() => expect(countRules(report)).toBe(report))).toEqual([])
})
