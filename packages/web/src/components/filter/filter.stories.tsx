import { useState } from 'react';
import { Choice, Filter } from './filter.tsx';

export function Both() {
  const [text, setText] = useState<string | undefined>('llama');
  const [choice, setChoice] = useState<string>();
  const [calls, setCalls] = useState(0);
  return (
    <>
      <Filter
        label="Model"
        placeholder="any"
        value={text}
        onChange={value => {
          setText(value);
          setCalls(calls + 1);
        }}
      />
      <Choice
        label="State"
        value={choice}
        choices={[
          ['', 'All'],
          ['failed', 'Failed'],
        ]}
        onChange={setChoice}
      />
      <p>{JSON.stringify([text ?? null, choice ?? null, calls])}</p>
    </>
  );
}
