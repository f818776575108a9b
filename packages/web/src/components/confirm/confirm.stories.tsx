import { useState } from 'react';
import { ConfirmButton } from './confirm.tsx';

function Asking({ needsText = false, fails = false }: { needsText?: boolean; fails?: boolean }) {
  const [done, setDone] = useState<string[]>([]);
  return (
    <>
      <ConfirmButton
        action="Suspend"
        subject="gpu-one"
        consequence="It gets no new jobs."
        {...(needsText && { asks: { label: 'Reason', hint: 'Public.', placeholder: 'Why', maxLength: 20 } })}
        run={async text => {
          if (fails) throw new Error('It is gone');
          setDone(before => [...before, text]);
        }}
      />
      <p>Done: {JSON.stringify(done)}</p>
    </>
  );
}

export const Plain = () => <Asking />;
export const WithReason = () => <Asking needsText />;
export const Failing = () => <Asking fails />;
