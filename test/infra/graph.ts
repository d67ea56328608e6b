/** One resource as the program registers it, before any provider has seen it. */
export interface Resource {
  /** A Pulumi type token: `aws:s3/bucket:Bucket`. */
  readonly type: string
  readonly name: string
  /** False for components, which only group. */
  readonly custom: boolean
  readonly protect: boolean
  readonly retainOnDelete: boolean
  // biome-ignore lint/suspicious/noExplicitAny: the inputs of any resource, as JSON; assertions say what they expect.
  readonly inputs: any
  /** What the mocks made of it: ARN, URL and the like. */
  readonly id: string
  readonly arn: string | undefined
}

/** A Lambda handler as SST bundles it. */
export interface Bundle {
  readonly functionId: string
  readonly handler: string
  /** Where `bundle.mjs` is. */
  readonly folder: string
  readonly bytes: number
  readonly exports: readonly string[]
  /** Packages that are imported at run time instead of being part of the bundle. */
  readonly external: readonly string[]
  /** Packages that are installed beside the bundle, with their versions. */
  readonly installed: Readonly<Record<string, string>>
  readonly errors: readonly string[]
}

export interface Graph {
  readonly stage: string
  readonly outputs: Readonly<Record<string, unknown>>
  readonly resources: readonly Resource[]
  readonly bundles: readonly Bundle[]
  /** Provider functions that the program called and that have no mock: their answers are made up. */
  readonly unknownCalls: readonly string[]
  readonly errors: readonly string[]
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly graphs: { readonly test: Graph; readonly production: Graph; readonly streams: Graph }
  }
}
