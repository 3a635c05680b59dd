/** What the commands on principals act through: settings, standard input and output. */

import type { CliConfig } from '../config.ts'

export interface Surroundings {
  readConfig: () => CliConfig
  /** All of it; asked for at most once. */
  readStandardInput: () => Promise<string>
  writeOutput: (text: string) => void
}
