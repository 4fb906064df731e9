/** Reads a Dockerfile as far as ours goes: instructions with their arguments, in stages. */

export interface Instruction {
  /** As in "RUN". */
  readonly name: string;
  /** What follows, continued lines joined. */
  readonly text: string;
}

export interface Stage {
  readonly image: string;
  /** Of "AS name". */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages in order. @throws for a line that is no instruction. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { image: string; name: string | undefined; instructions: Instruction[] }[] = [];
  const joined = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line)).join("\n")
    .replace(/\\\n\s*/g, " ");
  for (const line of joined.split("\n")) {
    const [, name, rest] = /^([A-Z]+) +(.+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`no instruction: ${line}`);
    if (name === "FROM") {
      const [, image, stage] = /^(\S+)(?: +AS +(\S+))?$/.exec(rest!)!;
      stages.push({ image: image!, name: stage, instructions: [] });
    } else stages.at(-1)!.instructions.push({ name, text: rest! });
  }
  return stages;
}

/** The arguments of all instructions of one name. */
export function textsOf(stage: Stage, name: string): string[] {
  return stage.instructions.filter((one) => one.name === name).map(({ text }) => text);
}

/** The words of an instruction in JSON form, as in `CMD ["serve"]`. */
export function wordsOf(stage: Stage, name: string): string[] {
  const [text] = textsOf(stage, name);
  return text === undefined ? [] : JSON.parse(text);
}

/** What `.dockerignore` lets through: the names at the top that "!" lines name, where "*" comes first. */
export function contextNames(dockerignore: string): string[] {
  const lines = dockerignore.split("\n").filter((line) => !/^(#|$)/.test(line));
  if (lines[0] !== "*" || !lines.slice(1).every((line) => /^![\w.-]+$/.test(line))) {
    throw new Error(".dockerignore is not read here if it says more than * and !NAME");
  }
  return lines.slice(1).map((line) => line.slice(1));
}
