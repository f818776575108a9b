import type { PublishedVerification, VerificationStatement } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { isNotFound } from '../../api/queries.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Id } from '../../components/id/id.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCount } from '../../format/numbers.ts';
import { CAUSES, describeMean, JudgementMark, REASONS } from './judgement.tsx';

const route = getRouteApi('/verifications/$id');

export function VerificationPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['verification', id],
    queryFn: ({ signal }) => publicClient.verifications.get(id, { signal }),
    meta: { live: 'slow' },
  });
  const name = `Verification ${shortId(id)}`;
  if (error)
    return (
      <Page title="Verification" name={name}>
        {isNotFound(error) ? (
          <Notice icon="evidence" title="There is no such verification">
            It is there once a verifier has read the answer. <Link to="/verifications">See the newest.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the verification" retry={refetch} />
        )}
      </Page>
    );
  if (!data)
    return (
      <Page title="Verification" name={name}>
        <Loading what="the verification" />
      </Page>
    );
  return (
    <Page
      title={
        <>
          Verification <code title={id}>{shortId(id)}</code> <CopyButton text={id} what="verification id" />
        </>
      }
      name={name}
      about="What a verifier with the same weights found of one answer. It proves nothing alone."
      actions={<RawJson value={data} path={`/v1/verifications/${id}`} />}
    >
      <Found statement={data.statement} />
      <About statement={data.statement} />
      <Signed {...data} />
    </Page>
  );
}

interface StatementProps {
  statement: VerificationStatement;
}

const Found = ({ statement }: StatementProps) => (
  <Panel title="What was found" flush>
    <Facts>
      <Fact name="Judgement">
        <JudgementMark judgement={statement.judgement} />{' '}
        {statement.reason === null ? null : `because ${REASONS[statement.reason]}`}
      </Fact>
      <Fact name="Mean of a token" hint="by the verifier’s model">
        {describeMean(statement)}
      </Fact>
      <Fact name="Sum and variance" hint="from which anyone computes the judgement">
        {statement.sum}, {statement.variance}
      </Fact>
      <Fact name="Counts" hint="for the miner’s evidence">
        {statement.counts ? 'yes' : 'no'}
        {statement.clears ? ', and that evidence begins anew' : ''}
      </Fact>
      <Fact name="Why it was read">
        {CAUSES[statement.cause]}
        {statement.draw === null ? '' : `, from the tree of ${formatCount(statement.draw)} entries`}
      </Fact>
      {statement.about === null ? null : (
        <Fact name="About">
          <Id value={statement.about} what="verification id" to="/verifications/$id" whole />
        </Fact>
      )}
    </Facts>
  </Panel>
);

const About = ({ statement }: StatementProps) => (
  <Panel title="The answer and its readers" flush>
    <Facts>
      <Fact name="Receipt">
        <Id value={statement.receipt_id} what="receipt id" to="/receipts/$id" whole />
      </Fact>
      <Fact name="Answered">
        <FullTime at={statement.answered_at * 1000} />
      </Fact>
      <Fact name="Miner">
        <Link to="/miners/$id" params={{ id: statement.miner_id }}>
          {statement.miner_id}
        </Link>
      </Fact>
      <Fact name="Passport">
        <Id value={statement.passport} what="digest of the passport" whole />
      </Fact>
      {statement.weights === null ? null : (
        <Fact name="Weights">
          <Id value={statement.weights} what="weights" whole />
        </Fact>
      )}
      <Fact name="Verifier">
        {statement.verifier_id ?? <span className="muted">nobody</span>}
        {statement.engine === null ? null : <span className="muted"> with {statement.engine}</span>}
      </Fact>
      {statement.verifier === null ? null : (
        <Fact name="Verifier’s owner">
          <Id value={statement.verifier} what="address" to="/addresses/$id" whole />
        </Fact>
      )}
    </Facts>
  </Panel>
);

function Signed({ statement, inclusion }: PublishedVerification) {
  const { verification_id: id, scores_hash } = statement;
  return (
    <Panel title="What was signed" flush>
      <Facts>
        <Fact name="Signed">
          <FullTime at={statement.created_at * 1000} />
        </Fact>
        {scores_hash === null ? null : (
          <Fact name="Hash of the numbers" hint="of all tokens, salted">
            <Id value={scores_hash} what="hash of the numbers" whole />
          </Fact>
        )}
        <Fact name="Key">
          <Id value={statement.signature.key_id} what="key" whole />
        </Fact>
        <Fact name="Place in the ledger">
          {inclusion === null ? (
            <Status tone="waiting">not published yet</Status>
          ) : (
            <Link to="/transactions/$id" params={{ id: String(inclusion.logIndex) }}>
              entry {formatCount(Number(inclusion.logIndex))}
            </Link>
          )}
        </Fact>
        {inclusion === null ? null : (
          <Fact name="Proof" hint="aitbc receipt verify checks it">
            <a href={`/v1/verifications/${id}/proof`} download={`${id}.tlog-proof`}>
              Download the proof
            </a>
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}
