/** Whether this stage stays: data and keys then outlive `sst remove`. Decided once, in sst.config.ts. */
export const isProduction = (): boolean => $app.removal !== 'remove'

/** `sluice-<stage>-<name>`: for resources that have to be known by name, in logs, alarms and policies. */
export const named = (name: string): string => `${$app.name}-${$app.stage}-${name}`

/** Options of resources that hold or unlock data. SST retains buckets by itself, but neither keys nor catalog entries. */
export const keepData = (): { readonly retainOnDelete: boolean } => ({ retainOnDelete: isProduction() })

export const accountId = () => aws.getCallerIdentityOutput({}).accountId
export const region = () => aws.getRegionOutput({}).region
