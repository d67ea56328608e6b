import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dataset } from '#lake/dataset.ts'
import { ROOT } from './pages.ts'

const LINKED = ['lake', 'datasets', 'functions', 'workflows', 'local', 'node_modules']

/** A folder in which `#lake/…` and packages resolve as in the repository, for code that stands in the documentation. */
export class ExampleProject implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'))

  constructor() {
    const { type, imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type, imports }))
    const tsconfig = { extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'], exclude: [] }
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify(tsconfig))
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.folder, name))
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /** What the compiler has to say of the files; nothing when all is well. */
  compile(): string {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', this.folder], { encoding: 'utf8' })
    return stdout + stderr
  }

  /** The datasets that a file declares, by running it. */
  datasetsOf(name: string): readonly Dataset[] {
    const script = `const all = Object.values(await import('./${name}')).flat();
      process.stdout.write(JSON.stringify(all.filter(each => each?.source && each?.columns)))`
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: this.folder,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as readonly Dataset[]
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
