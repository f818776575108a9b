import { Field } from '../../components/field/field.tsx';
import { FieldColumns } from '../../components/field/form.tsx';

const PERIODS = ['day', 'month', 'total'] as const;
const PERIOD_NAMES = { day: 'Credits a day', month: 'Credits a month', total: 'Credits in all' };

/** Limits in credits, as they were typed. */
export type BudgetTexts = Partial<Record<(typeof PERIODS)[number], string>>;

interface BudgetFieldsProps {
  budget: BudgetTexts;
  onChange: (budget: BudgetTexts) => void;
}

/** What the jobs of a key may cost. An empty field is no limit. */
export const BudgetFields = ({ budget, onChange }: BudgetFieldsProps) => (
  <FieldColumns>
    {PERIODS.map(period => (
      <Field key={period} label={PERIOD_NAMES[period]}>
        {props => (
          <input
            {...props}
            inputMode="decimal"
            placeholder="no limit"
            maxLength={20}
            value={budget[period] ?? ''}
            onChange={event => onChange({ ...budget, [period]: event.currentTarget.value })}
          />
        )}
      </Field>
    ))}
  </FieldColumns>
);
