import { alternate, atMost, type Section, seconds } from './section.ts'

/** One file committed to a table of 10,000 data files, against the same to a table of 100. */
export const benchCommits: Section = async ({ runs }) => {
  console.log(`commits of one file to tables of 100 and of 10,000 data files, 200 each; ${runs} runs in alternation`)
  const { floors, ours } = alternate(runs, ['../commit.ts', '100'], ['../commit.ts', '10000'])
  return [atMost('a commit to 10,000 files / to 100 files, medians', seconds(ours) / seconds(floors), 2)]
}
