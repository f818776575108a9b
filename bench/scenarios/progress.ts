/** Receives a description of each step. */
export type Progress = (text: string) => void;
