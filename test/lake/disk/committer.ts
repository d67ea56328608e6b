// A process that commits to one table until it has won often enough, and prints every attempt that it did not see lost: what it
// replaced, what it put there, and whether it knows that it won.
import { fileCatalog } from '#lake/disk/file-catalog.ts'
import { isLakeError } from '#lake/errors.ts'

const [root = '', wins = '1'] = process.argv.slice(2)
const catalog = fileCatalog(root)

for (let won = 0; won < Number(wins); ) {
  const base = await catalog.load('t')
  if (base === undefined) throw new Error('no table')
  const metadataLocation = `file:///t/${process.pid}-${won}-${Math.random()}.json`
  try {
    await catalog.swap('t', base, { metadataLocation, location: 'file:///t', columns: [] })
    won += 1
    process.stdout.write(`${JSON.stringify({ base, metadataLocation, known: true })}\n`)
  } catch (error) {
    // A process that got no time for a hundred commits of the others cannot know; the table's history does.
    if (isLakeError(error, 'commit-unknown'))
      process.stdout.write(`${JSON.stringify({ base, metadataLocation, known: false })}\n`)
    else if (!isLakeError(error, 'conflict')) throw error
  }
}
