import { importsOf } from './imports.ts'
import { isCode, type TextFile } from './repository.ts'

export interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const FAMILIES = ['@aws-sdk/', '@aws-lambda-powertools/']

/** Exact versions only, and one for all packages that are released together. */
export function looseVersions(manifest: PackageJson): readonly string[] {
  const all = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  })
  const loose = all
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name}: "${version}" is not one exact version`)
  const torn = FAMILIES.flatMap(family => {
    const versions = new Set(all.filter(([name]) => name.startsWith(family)).map(([, version]) => version))
    return versions.size > 1 ? [`${family}* has ${versions.size} versions: ${[...versions].join(', ')}`] : []
  })
  return [...loose, ...torn]
}

/** Packages that no file imports, each with what it is for. */
export type Unimported = Readonly<Record<string, string>>

export function unusedPackages(
  files: readonly TextFile[],
  manifest: PackageJson,
  unimported: Unimported,
): readonly string[] {
  const imported = new Set(files.filter(isCode).flatMap(file => importsOf(file).map(each => each.to)))
  const declared = Object.keys({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  })
  const unused = declared.filter(name => !imported.has(name) && !imported.has(typed(name)) && !(name in unimported))
  const listed = Object.keys(unimported)
  return [
    ...unused.map(name => `${name}: nothing imports it`),
    ...listed.filter(name => imported.has(name)).map(name => `${name} is imported now: drop it from the list`),
    ...listed.filter(name => !declared.includes(name)).map(name => `${name} is no dependency any more`),
  ]
}

const typed = (name: string): string => name.replace(/^@types\//, '')

/** What runs in production must not need a package that is installed for development only, and nothing may come from nowhere. */
export function undeclaredPackages(files: readonly TextFile[], manifest: PackageJson): readonly string[] {
  const shipped = new Set(Object.keys(manifest.dependencies ?? {}))
  const known = new Set([...shipped, ...Object.keys({ ...manifest.devDependencies, ...manifest.optionalDependencies })])
  return files
    .filter(isCode)
    .flatMap(importsOf)
    .flatMap(({ from, line, to, package: isPackage, typeOnly }) => {
      if (!isPackage || to.startsWith('node:') || (typeOnly && known.has(`@types/${to}`))) return []
      if (!known.has(to)) return [`${from}:${line} imports ${to}, which package.json does not name`]
      return /^(lake|functions|datasets|workflows|local)\//.test(from) && !shipped.has(to) && !typeOnly
        ? [`${from}:${line} imports ${to}, which is installed for development only`]
        : []
    })
}

/** A lock file with addresses in it ties everybody to the place from which one machine installed. */
export function lockedAddresses(lock: string): readonly string[] {
  return [...lock.matchAll(/"resolved": "([^"]*)"/g)].map(hit => `package-lock.json: "resolved": "${hit[1]}"`)
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>
}

/** Optional packages without an entry: `npm ci` then calls the lockfile out of sync, in every fresh clone. */
export function unlockedOptionals(lockfile: string): readonly string[] {
  const { packages } = JSON.parse(lockfile) as Lockfile
  const isLocked = (name: string, path: string): boolean =>
    `node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter(name => !isLocked(name, path))
      .map(name => `${name} of ${path} has no entry: run "node .ci/complete-lockfile.mjs"`),
  )
}
