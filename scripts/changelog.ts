const HEADING = /^## (.+)$/gm;

/**
 * What CHANGELOG.md says of a version. What is not released yet is what the version will bring, where it has no section.
 *
 * @throws {Error} where there is neither
 */
export function readChanges(changelog: string, version: string): string {
  const headings = [...changelog.matchAll(HEADING)];
  const found =
    headings.find(([, title = '']) => title.split(' ')[0] === version) ??
    headings.find(([, title]) => title === 'Unreleased');
  if (!found) throw new Error(`CHANGELOG.md says nothing of ${version}`);
  const next = headings[headings.indexOf(found) + 1];
  const section = changelog.slice(found.index, next?.index).trim();
  return `${section.replace(/^## .*/, `# ${version}`)}\n`;
}
