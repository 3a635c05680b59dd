import type { CliConfig } from '../config.ts'

/** What the commands on principals act through. */
export interface PrincipalsOutput {
  readConfig: () => CliConfig
  /** All of it; asked for at most once. */
  readStandardInput: () => Promise<string>
  writeOutput: (text: string) => void
}
