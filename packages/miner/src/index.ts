export { ABILITY_NAMES, type AbilitiesByModel, perModel, type StatedAbilities } from './abilities.ts';
export { type MinerOptions, type RunningMiner, startMiner } from './agent.ts';
export {
  type Backend,
  BackendError,
  type BackendErrorOptions,
  chatOf,
  type Embedded,
  type Embedding,
  type EmbeddingText,
  type Generated,
  type Generation,
} from './backend.ts';
export { echoBackend } from './backends/echo.ts';
export { type LlamaOptions, llamaBackend } from './backends/llama.ts';
export { OLLAMA_URL, type OllamaOptions, ollamaBackend } from './backends/ollama.ts';
export { OPENAI_URL, type OpenAiOptions, openAiBackend } from './backends/openai.ts';
export { type CoordinatorClock, createClock } from './clock.ts';
export type { MinerEvent, MinerEventHandler } from './events.ts';
export { type GpuSources, readGpuInfo, stateGpu } from './gpu.ts';
export {
  defaultStateFolder,
  findSigner,
  type Identity,
  type IdentityOptions,
  loadIdentity,
} from './identity.ts';
export { claimedPassports, type PassportsByModel } from './passports.ts';
export type { VerifierEvent, VerifierEventHandler } from './verifying/events.ts';
export { llamaReader } from './verifying/llama-verifier.ts';
export type { AnswerReader } from './verifying/reader.ts';
export { type RunningVerifier, startVerifier, type VerifierOptions } from './verifying/verifier.ts';
