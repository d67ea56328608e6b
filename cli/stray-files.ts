import { type StrayFile, strayFiles } from '#lake/disk/stray-files.ts'
import type { Lake } from '#lake/lake.ts'
import { styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatCount } from './units.ts'

export const strayLandings = (lake: Lake): Promise<readonly StrayFile[]> =>
  strayFiles(lake.zones.landing.slice('file://'.length))

const LISTED_MAX = 5
const WHY: Readonly<Record<StrayFile['why'], string>> = {
  link: 'a link: copy the file itself',
  special: 'neither file nor folder: take it out',
  name: 'a name that no key can have: rename it',
}

/** What lies in landing and will never be taken, with what to do. */
export async function printStrays(out: Output, strays: readonly StrayFile[]): Promise<void> {
  if (strays.length === 0) return
  const style = styleOf(out)
  const lines = strays.slice(0, LISTED_MAX).map(({ path, why }) => `  ${printable(path)}  ${WHY[why]}\n`)
  const more = strays.length - LISTED_MAX
  await out.write(
    `${style.yellow('!')} ${counted(strays.length, 'file')} in landing that cannot be taken\n${lines.join('')}${more > 0 ? `  and ${formatCount(more)} more\n` : ''}`,
  )
}
