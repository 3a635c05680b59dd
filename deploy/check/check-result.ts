/** What one check found. */
export interface CheckResult {
  /** What was looked at, in a few words. */
  readonly did: string
  /** What is wrong, each as the reader should see it; empty when all is well. */
  readonly problems: readonly string[]
}
